"""The library that Mailquay's services stand on."""
