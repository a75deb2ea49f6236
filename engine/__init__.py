"""The ground room: Docker, Compose projects, images, errors and progress, for all tools; standard library only."""
