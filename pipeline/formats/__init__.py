"""File formats as bytes: glTF, PNG, EXR, and the headers of photos. Nothing here trusts a file."""
