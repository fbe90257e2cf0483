public enum WSModule {}
