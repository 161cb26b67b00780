"""What a resource's fields mean, from the server's OpenAPI documents."""
