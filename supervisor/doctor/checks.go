package doctor

// check is one line of the report: its name, why it matters, and the judge.
type check struct {
	id, why string
	judge   func(*evidence) finding
}

// checks in the order of the report: what the host is, the walls, the limits,
// what models run in, room, and the proof.
var checks = []check{
	{"kernel", "the walls are made of calls that older kernels lack", (*evidence).kernel},
	{"container", "in a container the settings that count are its host's", (*evidence).container},
	{"systemd", "where it runs, it hands out the control groups", (*evidence).systemd},
	{"proc", "the supervisor reads there what holds a sandbox before it trusts the walls", (*evidence).proc},
	{"outer-filter", "its answers outrank the supervisor's decisions, which then are neither asked for nor recorded", (*evidence).outerFilter},
	{"wait-killable", "without it a signal to a model's thread makes it ask again for what was decided already", (*evidence).waitKillable},
	{"sync-wakeup", "an answer to a routed call takes some 5 us with it and 70 without, on an idle machine; it is speed, not strength", (*evidence).syncWakeUp},
	{"mseal", "nails a model's inputs to their addresses; the filter does that too", (*evidence).mseal},
	{"identity", "a model's process has an id of the host's, which should own nothing", (*evidence).uid},
	{"user-namespaces", "a model sees no file, process, network or user of the host: its sandbox has namespaces of its own, within the template's", (*evidence).namespaces},
	{"seccomp", "stops what a model must not call, and asks the supervisor", (*evidence).seccomp},
	{"inspection", "the supervisor takes the listener out of a sandbox, and reads there what a call is about", (*evidence).inspection},
	{"landlock", "a second wall around files, TCP, sockets and signals, should the first have a hole", (*evidence).landlock},
	{"cgroup", "memory, processes and CPU time are limited by control groups", (*evidence).cgroup},
	{"swap", "swap would give a model more memory than its limit", (*evidence).swap},
	{"memory-peak", "the peak in reports; limits hold either way", (*evidence).memoryPeak},
	{"interpreter", "models are Python", (*evidence).python},
	{"numpy", "models get arrays of numpy; without it, memoryviews", (*evidence).numpy},
	{"interpreter-files", "a model's process owns none of the interpreter's files, so everybody must be able to read them", (*evidence).interpreterFiles},
	{"descriptors", "the supervisor holds about ten for every model that runs", (*evidence).descriptors},
	{"processes", "a template, and a sandbox with its threads, for every model that runs", (*evidence).processesLeft},
	{"namespace-limits", "every model that runs takes two of each kind", (*evidence).namespaceLimits},
	{"whole-run", "a real model in a real sandbox: the proof of all the others", (*evidence).wholeRun},
}
