"""Pictures made ready for a letter: their file, their weight and their colours."""
