"""What tests of Mailquay stand on, and of anything built on it: a pytest plug-in and factories."""
