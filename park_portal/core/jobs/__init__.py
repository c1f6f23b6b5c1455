"""Long work with a progress bar, a result to download, a clear failure, and no effect half done."""
