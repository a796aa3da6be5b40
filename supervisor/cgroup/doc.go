// Package cgroup bounds, counts, freezes and ends the processes of sandboxes
// by Linux control groups. It runs in the supervisor, which is trusted; what
// it reads comes from the kernel.
//
// # What is created where
//
// A supervisor has one Tree, a Tree has one Group per sandbox or template:
//
//	PLACE/hotcell-0123456789abcdef/NAME
//	      the tree                 a group
//
// PLACE is a control group that existed before, NAME is the caller's. A tree
// and its groups exist once in every hierarchy of the layout:
//
//	v1      in each of freezer, memory, pids, cpu, cpuacct (fewer directories
//	        where the host mounts two together), as a rule below this
//	        process's own group there. Nothing is moved.
//	hybrid  the same: the v2 hierarchy that is mounted beside has no
//	        controllers to offer.
//	v2      once. Processes live in leaves only (the kernel refuses anything
//	        else), so PLACE must hold no process. Who makes it so:
//	        a delegated group (systemd's mark on it, or a group of an ordinary
//	        user that no manager claims): its processes, this one among them,
//	        go to PLACE/hotcell-supervisor;
//	        a systemd host otherwise: a transient scope with Delegate=yes is
//	        asked for over D-Bus, of the system's manager by root, of the
//	        user's own by others; this process moves into it and from there
//	        to its leaf;
//	        root without systemd: the root of the mount, where the kernel's
//	        real root needs no leaf. A namespace's root does, and only this
//	        process is moved: the others may have a manager that looks for
//	        them where it put them.
//
// On v1 and hybrid hosts with systemd, root's tree goes to the roots of the
// hierarchies unless this process's unit is delegated, and it exists in
// systemd's own hierarchies too ("name=systemd" and the v2 one). There systemd
// keeps account of its units' processes. When a unit that is not delegated
// gets another controller (systemctl set-property), all processes that systemd
// finds in it are moved to the unit's group of that controller: out of their
// limits. An ordinary user cannot leave the unit and stays exposed to what
// root does with it.
//
// What cannot be had is a *MissingError with what is missing and the command
// or the setting that mends it. Options.AllowMissing goes on without.
//
// # Who cleans up
//
// Close removes the tree. It leaves hotcell-supervisor, in which this process
// goes on living; a unit's manager removes it with the unit.
//
// A supervisor that dies leaves a tree behind. Every directory of a tree, in
// each hierarchy, is locked with flock(2) as long as its supervisor lives; the
// descriptor is close-on-exec and the kernel unlocks when the process is gone,
// SIGKILL included. Open looks at the trees beside its own. What it can lock is
// dead: its processes are killed and it is removed. One lock for all
// hierarchies would not do: two supervisors may share a place in one of them
// and not in another. The directories are mode 0700, since anybody who may open
// one could lock it: another user would keep dead trees alive, or take a new
// tree's lock first. The lock is the directory's, whatever mount or cgroup
// namespace it is seen through. Process ids in the name, the alternative, mean
// nothing across PID namespaces and come again.
//
// A new directory is unlocked for an instant, and another Open may take it for
// dead then. So after locking, the directory must still be there under its
// name; otherwise another name is tried.
//
// # What is not here
//
// There is no notification of an out-of-memory kill. A sandbox is one process
// (its filter allows threads, not processes), so the kernel's victim is the
// sandbox itself, and v2's memory.oom.group makes sure. The supervisor waits
// for the death anyway and reads OOMKills after it: a second event for the
// same fact would only race with the first.
//
// Nothing here keeps a sandbox from the control group file system: the files
// of a delegated group belong to the user whom the sandbox may share. The
// sandbox's root has none mounted; that is the child's part.
//
// # Why so much by hand
//
// Of github.com/containerd/cgroups the package takes what finds this process's
// groups; its managers serve the tests as a second opinion. Measured on a
// two-core virtual machine, they cost 0.75 ms and 6 MB at each start of the
// program, which a cold run does twice, and twice the time for each step of a
// sandbox's life (0.5 ms more in all): cold start is what hotcell is measured
// by. They also wait for a freeze without end, walk whole directories to remove
// a group, cannot raise a limit on memory and swap in one update, and know
// neither delegation by ownership nor a user's manager.
//
// The other cost to know is the kernel's: see Add.
package cgroup
