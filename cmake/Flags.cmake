# SPDX-License-Identifier: Apache-2.0
#
# How all of our own code is compiled and linked; headers of others are SYSTEM and give no warnings.
#
#   md_flags       language and warnings, for every target
#   MD_SANITIZE    "address,undefined", "thread", ...: sanitizers of every target
#   MD_WERROR      warnings are errors

option(MD_WERROR "Treat warnings as errors" OFF)
set(MD_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

add_library(md_flags INTERFACE)
target_compile_options(md_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wpointer-arith
    -Wwrite-strings -Wundef -fno-common
    $<$<BOOL:${MD_WERROR}>:-Werror>)

if(MD_SANITIZE)
    target_compile_options(md_flags INTERFACE -fsanitize=${MD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(md_flags INTERFACE -fsanitize=${MD_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "^Rel")
    # Some compilers define _FORTIFY_SOURCE by themselves; say it once.
    target_compile_options(md_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
                                              -fstack-clash-protection)
    target_link_options(md_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
