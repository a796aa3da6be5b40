package cgroup
import ("testing";"time";"fmt";"strconv";"golang.org/x/sys/unix")
func TestTmpLib(t *testing.T){
 tree:=open(t)
 sum:=map[string]time.Duration{}
 st:=func(n string,f func()){b:=time.Now();f();sum[n]+=time.Since(b)}
 const N=200
 for i:=range N {
  p:=start(t,"sleep",nil)
  q:=start(t,"sleep",nil)
  var g *Group
  st("lib new",func(){g=newGroup(t,tree,fmt.Sprint("l",i))})
  st("lib set",func(){must(t,g.Set(small))})
  n:=fmt.Sprint("/d",i)
  st("direct new",func(){for _,h:=range tree.hierarchies { must(t,unix.Mkdir(h.dir+n,0o755)) }})
  st("direct set",func(){
    must(t,writeFile(tree.by["memory"].dir+n+"/memory.limit_in_bytes","100000000"))
    must(t,writeFile(tree.by["memory"].dir+n+"/memory.memsw.limit_in_bytes","100000000"))
    must(t,writeFile(tree.by["pids"].dir+n+"/pids.max","64"))
    must(t,writeFile(tree.by["cpu"].dir+n+"/cpu.cfs_quota_us","100000"))
    must(t,writeFile(tree.by["cpu"].dir+n+"/cpu.cfs_period_us","100000")) })
  if i%2==0 { time.Sleep(20*time.Millisecond); st("lib add (first)",func(){must(t,g.Add(p.Process.Pid))}) }
  if i%2==1 {time.Sleep(20*time.Millisecond)}
  st(map[int]string{0:"direct add second",1:"direct add (first)"}[i%2],func(){for _,h:=range tree.hierarchies { must(t,writeFile(h.dir+n+"/cgroup.procs",strconv.Itoa(q.Process.Pid))) }})
  if i%2==1 { st("lib add second",func(){must(t,g.Add(p.Process.Pid))}) }
  must(t,g.Kill()); q.Process.Kill(); p.end(); q.end()
  st("remove",func(){must(t,g.Remove())})
  for _,h:=range tree.hierarchies { must(t,removeDir(h.dir+n,time.Now().Add(time.Second))) }
 }
 for n,d:=range sum{ t.Logf("%-12s %.1f µs",n,float64(d.Nanoseconds())/N/1000*map[bool]float64{true:2,false:1}[len(n)>11])}
}
