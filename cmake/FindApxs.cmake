# SPDX-License-Identifier: Apache-2.0
# Asks apxs where httpd's headers and modules are: APXS_INCLUDE_DIRS, APXS_LIBEXECDIR.
if(NOT APXS)
  find_program(APXS_PROGRAM NAMES apxs apxs2 REQUIRED)
  set(APXS ${APXS_PROGRAM})
endif()
foreach(name INCLUDEDIR LIBEXECDIR)
  execute_process(COMMAND ${APXS} -q ${name} OUTPUT_VARIABLE APXS_${name} OUTPUT_STRIP_TRAILING_WHITESPACE
                  COMMAND_ERROR_IS_FATAL ANY)
endforeach()
set(APXS_INCLUDE_DIRS ${APXS_INCLUDEDIR})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Apxs REQUIRED_VARS APXS APXS_INCLUDEDIR APXS_LIBEXECDIR)
