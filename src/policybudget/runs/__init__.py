"""What a run leaves on disk: results, tensors, files replaced at once."""
