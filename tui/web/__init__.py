"""The screen in a browser: the web server, and the program that it starts for each page."""
