"""`make audit`: is anything known against what requirements.lock names?"""
