"""The colour-free half of the Firestore backend. Nothing of google or grpc is imported before first use."""
