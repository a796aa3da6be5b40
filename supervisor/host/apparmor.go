package host

import (
	"fmt"
	"strings"
)

// unprivilegedProfile is where Ubuntu puts whoever makes a user namespace
// without rights: in it, all capabilities are denied.
const unprivilegedProfile = "unprivileged_userns"

// restricted explains Ubuntu's restriction, since 23.10. Making the namespace
// fails where that profile is not loaded; where it is, the namespace is made
// and the first mount in it is refused. It meets root's supervisors too: the
// template that makes a sandbox's namespaces has no rights any more.
func (h Host) restricted(stage string) Trouble {
	what := "AppArmor lets programs without a profile make no user namespaces"
	if stage != stageNamespaces {
		what = "AppArmor takes all rights from programs without a profile in the user namespaces that they make (refused: " + stage + ")"
	}
	what += ": kernel.apparmor_restrict_unprivileged_userns is 1"
	setting := keeping(h.asRoot("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"), "it")
	if kind, _ := h.Container(); kind != "" || strings.ContainsAny(h.Executable, `"'\{}[]*?^@%$,`+" \t\n") {
		return Trouble{what, setting}
	}
	return Trouble{what, h.profile() + "   # or, for all programs: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"}
}

// profile is a command that gives this very program a profile which confines
// nothing and permits user namespaces. What the program executes keeps it.
func (h Host) profile() string {
	command := fmt.Sprintf(`sh -c 'printf "abi <abi/4.0>,\nprofile hotcell %%s flags=(unconfined) {\n  userns,\n}\n" %s > /etc/apparmor.d/hotcell && apparmor_parser -r /etc/apparmor.d/hotcell'`,
		h.Executable)
	return h.asRoot(command)
}
