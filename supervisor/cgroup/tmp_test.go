package cgroup
import ("testing";"time";"fmt";"runtime";"os/exec";"os")
func TestTmpThread(t *testing.T){
 tree:=open(t)
 sum:=map[string]time.Duration{}
 st:=func(n string,f func()){b:=time.Now();f();sum[n]+=time.Since(b)}
 const N=100
 runtime.LockOSThread()
 for i:=range N {
  g:=newGroup(t,tree,fmt.Sprint("l",i))
  time.Sleep(20*time.Millisecond)
  st("thread in",func(){ for _,h:=range tree.hierarchies { must(t,writeFile(g.dirIn(h)+"/tasks","0")) } })
  cmd:=exec.Command("/bin/sleep","1000")
  st("fork",func(){must(t,cmd.Start())})
  st("thread out",func(){ for _,h:=range tree.hierarchies { must(t,writeFile(h.place+"/tasks","0")) } })
  if i==0 { d,_:=os.ReadFile(fmt.Sprintf("/proc/%d/cgroup",cmd.Process.Pid)); t.Log(string(d)); d,_=os.ReadFile("/proc/thread-self/cgroup"); t.Log(string(d)) }
  must(t,g.Kill()); cmd.Wait()
  must(t,g.Remove())
 }
 for n,d:=range sum{ t.Logf("%-12s %.1f µs",n,float64(d.Nanoseconds())/N/1000)}
}
