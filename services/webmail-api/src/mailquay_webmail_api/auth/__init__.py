"""Who a request is from: a browser's session, or a name and password with each request."""
