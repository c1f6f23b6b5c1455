"""Private files: what they are by their bytes, where they lie, who may read them, and PDFs made here."""
