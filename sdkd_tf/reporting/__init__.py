"""What a person looks at: tables and plots of a run, and of several runs side by side."""
