"""What a run leaves on disk: results, arrays, and files that are replaced in one step."""
