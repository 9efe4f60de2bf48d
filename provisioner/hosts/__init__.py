"""The only room that reaches into hosts: it imports paramiko and ansible-runner."""
