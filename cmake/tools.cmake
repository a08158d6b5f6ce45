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
  # With a list of commands of its own, for clang cannot read the headers that gcc has precompiled.
  set(LINT_DIR ${PROJECT_BINARY_DIR}/lint)
  add_custom_target(lint
    COMMAND ${CMAKE_COMMAND} -G Ninja -S ${PROJECT_SOURCE_DIR} -B ${LINT_DIR} -DCMAKE_BUILD_TYPE=Debug
      -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON
    COMMAND ${RUN_CLANG_TIDY} -clang-tidy-binary ${CLANG_TIDY} -p ${LINT_DIR} -quiet ${PROJECT_SOURCE_DIR}/
    VERBATIM USES_TERMINAL COMMENT "Linting")
endif()
