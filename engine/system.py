"""The system that the tools run on, and the commands that mend it: each message names those of this system only."""

import platform
import shutil
import sys

# What is to be done → how, on each system.
COMMANDS = {
    "start Docker": {
        "linux": "sudo systemctl start docker",
        "wsl": "start Docker Desktop in Windows, or: sudo service docker start",
        "macos": "open -a Docker, or: colima start",
    },
    "restart Docker": {
        "linux": "sudo systemctl restart docker",
        "wsl": "in Windows: wsl --shutdown, then start Docker again",
        "macos": "restart Docker Desktop, or: colima restart",
    },
    "update Docker": {
        "linux": "update it: https://docs.docker.com/engine/install/",
        "wsl": "update Docker Desktop, or see https://docs.docker.com/engine/install/",
        "macos": "update Docker Desktop, or: brew upgrade docker docker-compose colima",
    },
    "be let in": {
        "linux": "sudo usermod -aG docker $USER, then log in again",
        "wsl": "sudo usermod -aG docker $USER, then in Windows: wsl --shutdown",
        "macos": "open -a Docker, or: colima start",
    },
    "see who listens": {
        "linux": "ss -ltnp",
        "wsl": "ss -ltnp, and in Windows: netstat -ano",
        "macos": "lsof -nP -iTCP -sTCP:LISTEN",
    },
    "set the clock": {
        "linux": "sudo timedatectl set-ntp true",
        "wsl": "in Windows: wsl --shutdown, then open this terminal again",
        "macos": "sudo sntp -sS time.apple.com",
    },
}
INSTALLERS = ("apt-get", "dnf", "zypper")


def system() -> str:
    """Which system this is: "macos", "wsl" (Linux inside Windows) or "linux"."""
    if sys.platform == "darwin":
        return "macos"
    return "wsl" if "microsoft" in platform.release().lower() else "linux"


def command(what: str) -> str:
    """How a thing of COMMANDS is done on this system."""
    return COMMANDS[what][system()]


def install(package: str, on_macos: str = "") -> str:
    """The command that installs a package here; `on_macos` where Homebrew has another name for it, or none."""
    if system() == "macos":
        return on_macos or f"brew install {package}"
    installer = next((name for name in INSTALLERS if shutil.which(name)), None)
    return f"sudo {installer} install {package}" if installer else f"install {package}"


def install_compose() -> str:
    """The command that installs Docker Compose here: its package has a name of its own in each distribution."""
    if system() != "macos" and shutil.which("apt-get"):
        return install("docker-compose-plugin") + " (Debian's own: docker-compose, Ubuntu's own: docker-compose-v2)"
    return install("docker-compose-plugin", on_macos="brew install docker-compose")
