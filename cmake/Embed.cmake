# SPDX-License-Identifier: Apache-2.0
#
# Writes a C file with the contents of files: cmake -DOUT=page_assets.c -DSOURCES=a.css,b.js -DNAMES=md_a,md_b
# -DHEADER=status/page_parts.h -P Embed.cmake. Each name is a `const md_bytes` that the header declares.

string(REPLACE "," ";" sources "${SOURCES}")
string(REPLACE "," ";" names "${NAMES}")
set(text "/* Made by cmake/Embed.cmake. */\n#include \"${HEADER}\"\n")
foreach(source name IN ZIP_LISTS sources names)
    file(READ ${source} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "(................................................................................)" "\\1\n"
           bytes "${bytes}")
    string(APPEND text "\nstatic const unsigned char ${name}_bytes[] = {\n${bytes}0x00\n};\n"
                       "const md_bytes ${name} = { (const char *)${name}_bytes, sizeof(${name}_bytes) - 1 };\n")
endforeach()
file(WRITE ${OUT} "${text}")
