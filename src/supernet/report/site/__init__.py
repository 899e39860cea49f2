"""The results of a scale as one HTML file that needs neither server nor network.

`results` reads and checks what is shown, `pages` makes tables of it, `plots` and `forest` figures, `graph` the picture
of the rules, and `build` puts them together. Equal results give equal bytes.
"""
