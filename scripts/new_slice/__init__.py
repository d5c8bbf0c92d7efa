"""`make slice` and `make field`: write a slice in the style of the others, and add a field to one.

`names` and `fields` read and judge what was asked for, `project` knows what is taken. Each module of `texts` returns the
text of some files, made of plain text with `$names` (`texts.fill`) and of one function for each line that depends on a
field. `tree` puts the files in place: all of them, or none.
"""
