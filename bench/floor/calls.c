/*
 * calls: loops over one system call, to be called from Python.
 *
 * Each fills an array with nanoseconds a call, one value a block.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* The filter decides this one by its number, so the kernel's bitmap serves it. */
void getppid_blocks(double *out, long blocks)
{
	enum { BLOCK = 10000 };
	for (long b = 0; b < blocks; b++) {
		double start = now();
		for (int i = 0; i < BLOCK; i++)
			syscall(SYS_getppid);
		out[b] = (now() - start) / BLOCK;
	}
}

/* mmap has conditions, so the filter's program runs. The pair counts as one. */
void map_blocks(double *out, long blocks)
{
	enum { BLOCK = 1000 };
	for (long b = 0; b < blocks; b++) {
		double start = now();
		for (int i = 0; i < BLOCK; i++)
			munmap(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
		out[b] = (now() - start) / BLOCK;
	}
}

/* What a supervisor is asked about: the same calls as those of its floor. */
enum { ROUTED = 100 };

void denied_blocks(double *out, long blocks)
{
	for (int i = 0; i < 10 * ROUTED; i++)
		syscall(SYS_getpgid, 0);
	for (long b = 0; b < blocks; b++) {
		double start = now();
		for (int i = 0; i < ROUTED; i++)
			syscall(SYS_getpgid, 0);
		out[b] = (now() - start) / ROUTED;
	}
}

void opened_blocks(double *out, long blocks)
{
	for (int i = 0; i < 10 * ROUTED; i++)
		close(syscall(SYS_openat, AT_FDCWD, "/etc/hostname", O_RDONLY));
	for (long b = 0; b < blocks; b++) {
		double start = now();
		for (int i = 0; i < ROUTED; i++) {
			int fd = syscall(SYS_openat, AT_FDCWD, "/etc/hostname", O_RDONLY);
			if (fd < 0) {
				out[b] = -1; /* and what comes after stays as wrong */
				return;
			}
			close(fd);
		}
		out[b] = (now() - start) / ROUTED;
	}
}
