"""The meter under test: its designation, its variants, what the bench may know of it, and the reference meter."""
