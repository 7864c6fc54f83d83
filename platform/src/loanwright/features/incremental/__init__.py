"""What an earlier training table spares the next one."""
