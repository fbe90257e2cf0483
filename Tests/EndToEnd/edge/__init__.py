"""Tables of what strangers send to an edge, and the judges that compare it with what comes back."""
