# The targets `format`, `format-check` (clang-format 14) and `lint` (clang-tidy 14) over our own sources.
find_program(CLANG_FORMAT clang-format-14)
find_program(CLANG_TIDY clang-tidy-14)
find_program(RUN_CLANG_TIDY run-clang-tidy-14)

# Relative patterns, because a checkout may lie below a directory that is itself called `tests` or the like.
set(FALSEWORK_ROOMS base postgres plans state planner executor engine tests bench)
set(FALSEWORK_SOURCES)
foreach(room ${FALSEWORK_ROOMS})
  file(GLOB_RECURSE found CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/${room}/*.h ${PROJECT_SOURCE_DIR}/${room}/*.cpp)
  list(APPEND FALSEWORK_SOURCES ${found})
endforeach()
# Through a file: the list is longer than some shells take.
string(REPLACE ";" "\n" FALSEWORK_SOURCE_LINES "${FALSEWORK_SOURCES}")
file(WRITE ${PROJECT_BINARY_DIR}/sources.txt "${FALSEWORK_SOURCE_LINES}\n")

if(CLANG_FORMAT)
  add_custom_target(format
    COMMAND xargs -a ${PROJECT_BINARY_DIR}/sources.txt -d "\\n" ${CLANG_FORMAT} -i
    VERBATIM COMMENT "Formatting")
  add_custom_target(format-check
    COMMAND xargs -a ${PROJECT_BINARY_DIR}/sources.txt -d "\\n" ${CLANG_FORMAT} --dry-run -Werror
    VERBATIM COMMENT "Checking the format")
endif()

if(CLANG_TIDY AND RUN_CLANG_TIDY)
  add_custom_target(lint
    COMMAND ${RUN_CLANG_TIDY} -clang-tidy-binary ${CLANG_TIDY} -p ${PROJECT_BINARY_DIR} -quiet
      ${PROJECT_SOURCE_DIR}/
    VERBATIM USES_TERMINAL COMMENT "Linting")
endif()
