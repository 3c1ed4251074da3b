"""Who signs in to the pages, and how long that lasts.

sessions    what a browser keeps, and whether that still counts      viewer    who it is, as the log has it
totp        the second factor                                        sign_in   the pages for it
"""
