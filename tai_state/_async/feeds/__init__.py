"""What has changed since: containers of one value, whose readers are told of each change."""
