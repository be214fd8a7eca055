// SPDX-License-Identifier: MIT
//
// roff.h - text, and the Markdown of our own pages, as the macros of man(7).

#ifndef CLI_ROFF_H
#define CLI_ROFF_H

#include <stdio.h>

void roff_title(FILE *out, const char *page, const char *section, const char *what);
void roff_heading(FILE *out, const char *title);    // .SH, in capitals
void roff_subheading(FILE *out, const char *title); // .SS

// Text in the font of the surroundings, filled; an empty line is a paragraph's end, and two blanks
// behind a word make a tag of it. Ends its line.
void roff_text(FILE *out, const char *text);
void roff_paragraph(FILE *out, const char *text); // the same, in a paragraph of its own
// One line without its end: what goes on in another font follows.
void roff_piece(FILE *out, const char *text);
// A new paragraph under a tag: the first word bold, the second in italics ("" or NULL: none).
void roff_tag(FILE *out, const char *bold, const char *italic);
// Lines as they stand: an example.
void roff_example(FILE *out, const char *text);

// Headings, paragraphs, `code`, **strong**, *emphasis*, numbered lists; a table becomes a list
// whose tags are its first column. The first heading of the page is left out.
void roff_markdown(FILE *out, const char *text);

#endif
