"""Files and paths: written whole or not at all, locked by one process, named by a user. Imports no other folder."""
