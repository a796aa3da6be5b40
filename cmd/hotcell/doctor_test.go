package main

import (
	"testing"

	"hotcell/supervisor/doctor"
)

func TestDoctorText(t *testing.T) {
	report := doctor.Report{Overall: doctor.Missing, Checks: []doctor.Check{
		{ID: "kernel", Status: doctor.OK, Found: "Linux 6.1", Why: "w"},
		{ID: "landlock", Status: doctor.Weaker, Found: "none", Why: "a second wall", Mend: "lsm=landlock"},
		{ID: "cgroup", Status: doctor.Missing, Found: "said \x1b[31mred", Why: "limits", Mend: "mount it"},
		{ID: "swap", Status: doctor.Missing, Found: "not tried", Why: "w", After: []string{"cgroup"}},
	}}
	want := `ok       kernel    Linux 6.1
weaker   landlock  none
                   why   a second wall
                   mend  lsm=landlock
missing  cgroup    said \x1b[31mred
                   why   limits
                   mend  mount it
missing  swap      not tried
                   after cgroup

No model can run here; mend cgroup.
`
	if got := doctorText(report); got != want {
		t.Errorf("doctorText =\n%s\nwant\n%s", got, want)
	}
	report.Overall, report.Checks = doctor.Weaker, report.Checks[:2]
	if got, want := doctorSummary(report), "Models run here, held by less than could be; see landlock."; got != want {
		t.Errorf("doctorSummary = %q; want %q", got, want)
	}
	if got, want := doctorSummary(doctor.Report{Overall: doctor.OK}), "Models run here at full strength."; got != want {
		t.Errorf("doctorSummary = %q; want %q", got, want)
	}
}
