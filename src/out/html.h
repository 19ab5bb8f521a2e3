/*
 * html - writes text into HTML and SVG so that it stays text, whatever it holds. Marks are written
 * with out_put_cstr() and out_printf(), of which only numbers and our own words are arguments.
 */
#ifndef OUT_HTML_H
#define OUT_HTML_H

#include "out/out.h"

/*
 * Foreign bytes as text, for element content and for attribute values in either quotes: & < > " ' `
 * are escaped; controls (but line ends and tabs) and bytes that are not part of a well-formed
 * character become U+FFFD.
 */
void html_text(struct out *o, struct slice s);
void html_cstr(struct out *o, const char *s);

/* <TAG>text</TAG>; TAG is our own word. */
void html_element(struct out *o, const char *tag, const char *text);

#endif
