# SPDX-License-Identifier: Apache-2.0
#
# Asks apxs about the httpd to build for. Input: APXS, the program (searched for when not set).
#
#   Httpd::headers      headers of httpd, APR and APR-util with the flags they were built with; a module needs no more
#   Httpd::apr          the same and the APR libraries to link, for programs of their own
#   APXS_LIBEXECDIR     the folder of httpd's modules

find_program(APXS NAMES apxs apxs2 DOC "httpd's extension tool, which says where its headers and modules are")
if(NOT APXS)
    message(FATAL_ERROR "apxs was not found. Install the httpd development package (Debian: apache2-dev) or say where "
                        "it is: ./configure --with-apxs=/path/to/apxs")
endif()

# Runs a program that prints one line; fails with what it said.
function(md_ask variable)
    execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE answer ERROR_VARIABLE error RESULT_VARIABLE result
                    OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "'${ARGN}' failed: ${error}")
    endif()
    string(STRIP "${answer}" answer)
    set(${variable} "${answer}" PARENT_SCOPE)
endfunction()

# An interface target out of the flags that an apr-config prints.
function(md_flags_to_target target cflags libs)
    separate_arguments(cflags UNIX_COMMAND "${cflags}")
    separate_arguments(libs UNIX_COMMAND "${libs}")
    foreach(flag IN LISTS cflags)
        if(flag MATCHES "^-I(.+)")
            target_include_directories(${target} SYSTEM INTERFACE ${CMAKE_MATCH_1})
        else()
            target_compile_options(${target} INTERFACE ${flag})
        endif()
    endforeach()
    target_link_libraries(${target} INTERFACE ${libs})
endfunction()

md_ask(APXS_LIBEXECDIR ${APXS} -q LIBEXECDIR)
md_ask(includedir ${APXS} -q INCLUDEDIR)
md_ask(apr_config ${APXS} -q APR_CONFIG)
md_ask(apu_config ${APXS} -q APU_CONFIG)
md_ask(apr_cflags ${apr_config} --includes --cppflags)
md_ask(apu_cflags ${apu_config} --includes)
md_ask(apr_libs ${apr_config} --link-ld)
md_ask(apu_libs ${apu_config} --link-ld)

if(NOT EXISTS "${includedir}/httpd.h")
    message(FATAL_ERROR "${APXS} says that httpd's headers are in ${includedir}, but there is no httpd.h. "
                        "Install httpd's development package (Debian: apache2-dev).")
endif()

add_library(Httpd::headers INTERFACE IMPORTED)
target_include_directories(Httpd::headers SYSTEM INTERFACE ${includedir})
md_flags_to_target(Httpd::headers "${apr_cflags} ${apu_cflags}" "")

add_library(Httpd::apr INTERFACE IMPORTED)
target_link_libraries(Httpd::apr INTERFACE Httpd::headers)
md_flags_to_target(Httpd::apr "" "${apu_libs} ${apr_libs}")

set(Apxs_FOUND TRUE)
