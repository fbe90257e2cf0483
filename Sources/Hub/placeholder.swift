public enum HubModule {}
