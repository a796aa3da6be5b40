/*
 * notify: the floor of routed system calls on this machine.
 *
 * A child under a seccomp filter makes calls that its parent answers, with as
 * little as it takes: what a supervisor can at best be measured against.
 *
 *   notify deny WAY COUNT   the child's getppid is refused with EPERM
 *   notify open WAY COUNT   the child's openat is answered with a descriptor,
 *                           which the child closes
 *   notify bare COUNT       getppid without a filter, for scale
 *   notify allowed COUNT    getppid that the filter allows
 *
 * WAY is "one" (for open: ADDFD with FLAG_SEND, one ioctl) or "two" (ADDFD,
 * then SEND), each with the synchronous wake-up where the kernel has it.
 * It prints one line a block of 100 calls: nanoseconds a call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1
#endif

enum { BLOCK = 100 };

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* install routes one call and allows the rest; 0 routes none. */
static int install(unsigned nr, int listen)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, listen ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("no_new_privs");
	int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, listen ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &program);
	if (fd < 0)
		die("seccomp");
	return fd;
}

static void call(int open_file)
{
	if (!open_file) {
		syscall(SYS_getppid);
		return;
	}
	int fd = syscall(SYS_openat, AT_FDCWD, "/etc/hostname", O_RDONLY);
	if (fd < 0)
		die("openat");
	close(fd);
}

static void measure(int open_file, long count)
{
	for (long i = 0; i < 10 * BLOCK; i++)
		call(open_file);
	for (long done = 0; done < count; done += BLOCK) {
		double start = now();
		for (int i = 0; i < BLOCK; i++)
			call(open_file);
		printf("%.0f\n", (now() - start) / BLOCK);
	}
	fflush(stdout);
}

static void send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof fd)] = { 0 };
	struct iovec io = { "x", 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	if (sendmsg(sock, &m, 0) != 1)
		die("sendmsg");
}

static int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	int fd;
	if (recvmsg(sock, &m, 0) != 1)
		die("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
	return fd;
}

static void serve(int listener, int open_file, int two)
{
	int file = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
	if (file < 0)
		die("open");
	/* Kernels before 6.6 refuse; there is no synchronous wake-up then. */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	for (;;) {
		struct seccomp_notif n = { 0 };
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n)) {
			if (errno == EINTR)
				continue;
			return; /* ENOENT: the child is gone */
		}
		struct seccomp_notif_resp r = { .id = n.id, .error = open_file ? 0 : -EPERM };
		if (open_file) {
			struct seccomp_notif_addfd a = { .id = n.id, .srcfd = file, .flags = two ? 0 : SECCOMP_ADDFD_FLAG_SEND };
			int fd = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a);
			if (fd < 0)
				return;
			if (!two)
				continue;
			r.val = fd;
		}
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r))
			return;
	}
}

static void routed(int open_file, int two, long count)
{
	int sock[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock))
		die("socketpair");
	pid_t child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		int listener = install(open_file ? SYS_openat : SYS_getppid, 1);
		send_fd(sock[1], listener);
		close(listener);
		measure(open_file, count);
		_exit(0);
	}
	int listener = receive_fd(sock[0]);
	/* A thread of its own would change nothing: this process has one. */
	pid_t server = fork();
	if (server == 0) {
		serve(listener, open_file, two);
		_exit(0);
	}
	close(listener);
	waitpid(child, NULL, 0);
	/* Before Linux 6.11 a blocked receive does not return by itself. */
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[argc - 1]) : 0;

	if (argc == 4 && count > 0 && (!strcmp(argv[1], "deny") || !strcmp(argv[1], "open"))) {
		routed(!strcmp(argv[1], "open"), !strcmp(argv[2], "two"), count);
	} else if (argc == 3 && count > 0 && !strcmp(argv[1], "bare")) {
		measure(0, count);
	} else if (argc == 3 && count > 0 && !strcmp(argv[1], "allowed")) {
		install(SYS_getppid, 0);
		measure(0, count);
	} else {
		fprintf(stderr, "usage: notify deny|open one|two COUNT; notify bare|allowed COUNT\n");
		return 2;
	}
	return 0;
}
