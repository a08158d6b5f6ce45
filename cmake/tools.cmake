# The targets `format`, `format-check` (clang-format 14) and `lint` (clang-tidy 14) over our own sources.
find_program(CLANG_FORMAT clang-format-14)
find_program(CLANG_TIDY clang-tidy-14)
find_program(RUN_CLANG_TIDY run-clang-tidy-14)

if(CLANG_FORMAT)
  # Asked of git when the target runs, so that a new file needs no new configuration.
  set(FALSEWORK_SOURCES "git ls-files --cached --others --exclude-standard -- '*.h' '*.cpp'")
  add_custom_target(format
    COMMAND sh -c "${FALSEWORK_SOURCES} | xargs ${CLANG_FORMAT} -i"
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM COMMENT "Formatting")
  add_custom_target(format-check
    COMMAND sh -c "${FALSEWORK_SOURCES} | xargs ${CLANG_FORMAT} --dry-run -Werror"
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM COMMENT "Checking the format")
endif()

if(CLANG_TIDY AND RUN_CLANG_TIDY)
  add_custom_target(lint
    COMMAND ${RUN_CLANG_TIDY} -clang-tidy-binary ${CLANG_TIDY} -p ${PROJECT_BINARY_DIR} -quiet ${PROJECT_SOURCE_DIR}/
    VERBATIM USES_TERMINAL COMMENT "Linting")
endif()
