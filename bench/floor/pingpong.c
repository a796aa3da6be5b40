/*
 * pingpong: the floor of a call. Two processes send one byte to and fro over a
 * socket pair.
 *
 *   pingpong BLOCKS
 *
 * It prints one line a block of 100 round trips: nanoseconds each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 100 };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void trip(int sock)
{
	char byte = 'x';
	if (write(sock, &byte, 1) != 1 || read(sock, &byte, 1) != 1) {
		perror("round trip");
		exit(1);
	}
}

int main(int count, char **args)
{
	int socks[2];
	char byte;

	if (count != 2 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, socks)) {
		perror("pingpong BLOCKS");
		return 1;
	}
	if (fork() == 0) {
		close(socks[0]);
		while (read(socks[1], &byte, 1) == 1)
			if (write(socks[1], &byte, 1) != 1)
				break;
		_exit(0);
	}
	close(socks[1]);
	for (int i = 0; i < 10 * BLOCK; i++)
		trip(socks[0]);
	for (long done = 0; done < atol(args[1]); done++) {
		double start = now();
		for (int i = 0; i < BLOCK; i++)
			trip(socks[0]);
		printf("%.0f\n", (now() - start) / BLOCK);
	}
	return 0;
}
