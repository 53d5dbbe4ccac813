"""The decoders behind one protocol, `readers.Reader`, and the choice between them (`opening`)."""
