# SPDX-License-Identifier: MIT
# Files as constants of C: OUTPUT gets a char array, with a zero at its end, for each of FILES, each
# called as its file up to ".schema.json", with _ for what a name in C cannot hold. Of ABSENT, names of
# files that are not there, each is an empty text.
set(text "// made by embed.cmake\n")
foreach(file ${FILES})
    get_filename_component(name ${file} NAME)
    string(REPLACE ".schema.json" "" name ${name})
    string(MAKE_C_IDENTIFIER ${name} name)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes ${bytes})
    string(APPEND text "static const char ${name}[] = {${bytes}0};\n")
endforeach()
foreach(name ${ABSENT})
    string(MAKE_C_IDENTIFIER ${name} name)
    string(APPEND text "static const char ${name}[] = {0};\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
