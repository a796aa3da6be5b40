package broker
import ("testing";"os/exec";"os";"bufio";"fmt";"time";"runtime";"io";"golang.org/x/sys/unix")
type timed struct{ *process; read,valid,inject time.Duration; n int}
func (p *timed) Read(a uint64,b []byte) error { s:=time.Now(); defer func(){p.read+=time.Since(s)}(); return p.process.Read(a,b)}
func (p *timed) Valid() bool { s:=time.Now(); defer func(){p.valid+=time.Since(s)}(); return p.process.Valid()}
func (p *timed) Inject(d Descriptor, c bool) (int,error) { p.n++; s:=time.Now(); defer func(){p.inject+=time.Since(s)}(); return p.process.Inject(d,c)}
func TestZX(t *testing.T){
 runtime.LockOSThread()
 root:=tree(t)
 b:=newBroker(t,Options{Decide:(*idle)(nil).decide,Roots:[]Root{{Path:root}}})
 cmd:=exec.Command("/tmp/exp/child",root+"/dir/a"); in,_:=cmd.StdinPipe(); out,_:=cmd.StdoutPipe(); cmd.Stderr=os.Stderr
 must(t,cmd.Start()); r:=bufio.NewReader(out); l,_:=r.ReadString('\n'); var fdn int; fmt.Sscan(l,&fdn)
 p:=attach(t,cmd.Process.Pid,fdn)
 unix.Syscall(unix.SYS_IOCTL,uintptr(p.listener),0x40082104,1)
 in.Write([]byte("x"))
 go io.Copy(io.Discard,r)
 tp:=&timed{process:p}
 s:=time.Now()
 p.serveAs(t,b,tp)
 e:=time.Since(s)
 n:=time.Duration(tp.n)
 fmt.Println("total",e/n,"read",tp.read/n,"valid",tp.valid/n,"inject",tp.inject/n, "serve", serveTime/n, "recv", recvTime/n,"send",sendTime/n,"poll",pollTime/n)
 cmd.Wait()
}
