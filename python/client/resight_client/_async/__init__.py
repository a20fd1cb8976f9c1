"""The methods of an async client."""
