"""What clipwatch does to Textual and to the terminal: driver, reader, writer, compositor, and the base of its apps."""
