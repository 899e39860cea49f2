#!/usr/bin/env bash
# A real SLURM of one node for tests and for trying docs/cluster.md, on Debian or Ubuntu, without systemd:
#
#     slurm_one_node.sh start|stop|status
#
# For root. `start` installs the packages where they are missing (apt) and starts what is not yet running. All that it
# makes (configuration, key, sockets, logs) lies in one folder, SLURM_ONE_NODE, and one link, by which SLURM's commands
# find it: /etc/slurm/slurm.conf; `stop` takes the link away. Every wait is bounded. Beside a SLURM that is not ours it
# refuses to work.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C

HERE=${SLURM_ONE_NODE:-/var/lib/supernet-slurm}
CONF=$HERE/slurm.conf
LINK=/etc/slurm/slurm.conf
NODE=$(hostname -s)
# Claimed, whatever the machine has: a job that waits must not hold up another. The GPUs are plain files: requests for
# them are granted and counted, and that is all.
CPUS=4 MEMORY=64000 GPUS=4

fail() { echo "slurm_one_node.sh: $*" >&2; exit 1; }
alive() { [[ -s $HERE/$1.pid ]] && kill -0 "$(<"$HERE/$1.pid")" 2>/dev/null; }
await() { # seconds command...
  local end=$((SECONDS + $1)); shift
  until "$@" &>/dev/null; do ((SECONDS < end)) || fail "waited in vain for: $*; see $HERE/*.log"; sleep 0.2; done
}
ready() { [[ $(sinfo --noheader --format=%T) =~ ^(idle|mixed|allocated)$ ]]; }

refuse_a_cluster() {
  [[ -z ${SLURM_CONF:-} ]] || fail "SLURM_CONF=$SLURM_CONF: this machine belongs to a cluster; refused"
  local path pid
  for path in "$LINK" /etc/slurm-llnl/slurm.conf; do
    [[ ! -e $path && ! -L $path || $(readlink "$path") == "$CONF" ]] || fail "$path: this machine has a SLURM; refused"
  done
  for pid in $(pgrep -x slurmctld || true) $(pgrep -x slurmd || true); do
    [[ $(ps -o args= -p "$pid") =~ (" -f $CONF "|slurmscriptd|^$) ]] || fail "process $pid is a SLURM that is not ours"
  done
}

install() {
  local missing=0 name
  for name in munged slurmctld slurmd srun; do command -v "$name" >/dev/null || missing=1; done
  ((missing)) || return 0
  command -v apt-get >/dev/null || fail "slurmctld and munged are missing, and there is no apt-get to install them"
  export DEBIAN_FRONTEND=noninteractive
  { timeout 120 apt-get update -qq && timeout 300 apt-get install -y -qq --no-install-recommends slurm-wlm munge; } \
    >"$HERE/apt.log" 2>&1 || fail "apt-get cannot install slurm-wlm and munge: $(grep -m1 '^E:' "$HERE/apt.log" || echo "see $HERE/apt.log")"
}

configure() {
  [[ -s $HERE/munge.key ]] || (umask 077 && head -c 1024 /dev/urandom >"$HERE/munge.key")
  local gpu
  for ((gpu = 0; gpu < GPUS; gpu++)); do : >>"$HERE/gpu$gpu"; done
  echo "NodeName=$NODE Name=gpu File=$HERE/gpu[0-$((GPUS - 1))]" >"$HERE/gres.conf"
  cat >"$CONF" <<END
ClusterName=onenode
SlurmctldHost=$NODE(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits until its credential has expired: 10 seconds here, else 120.
AuthInfo=socket=$HERE/munge.socket,cred_expire=10
StateSaveLocation=$HERE/state
SlurmdSpoolDir=$HERE/spool
SlurmctldPidFile=$HERE/slurmctld.pid
SlurmdPidFile=$HERE/slurmd.pid
SlurmctldLogFile=$HERE/slurmctld.log
SlurmdLogFile=$HERE/slurmd.log
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
JobRequeue=1
# Without accounting squeue must still know a job when Snakemake asks how it ended.
MinJobAge=3600
KillWait=30
GresTypes=gpu
NodeName=$NODE NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=$MEMORY Gres=gpu:$GPUS State=UNKNOWN
PartitionName=main Nodes=$NODE Default=YES MaxTime=INFINITE State=UP
END
}

start() {
  refuse_a_cluster
  ((EUID == 0)) || fail "only root can install SLURM and run its daemons"
  mkdir -p "$HERE"/{state,spool} || fail "$HERE: cannot be made; name another folder by SLURM_ONE_NODE"
  install
  if ! alive munged || ! alive slurmctld || ! alive slurmd; then configure; fi
  alive munged || munged --force --socket="$HERE/munge.socket" --key-file="$HERE/munge.key" \
    --pid-file="$HERE/munged.pid" --log-file="$HERE/munged.log" --seed-file="$HERE/munged.seed" 2>>"$HERE/munged.log"
  await 10 munge --no-input --socket="$HERE/munge.socket"
  mkdir -p "${LINK%/*}" && ln -sfn "$CONF" "$LINK"
  alive slurmctld || slurmctld -f "$CONF" -c # -c: forget the jobs of before
  await 20 scontrol ping
  alive slurmd || slurmd -f "$CONF" -c
  await 20 ready
  sinfo
}

stop() { # by recorded number, and only what bears the right name
  local name pid
  ! alive slurmctld || scancel --user="$(id -un)" || true
  for name in slurmd slurmctld munged; do
    alive "$name" || continue
    pid=$(<"$HERE/$name.pid")
    [[ $(ps -o comm= -p "$pid") == "$name" ]] || continue
    kill "$pid"
    for _ in {1..50}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
    kill -9 "$pid" 2>/dev/null || true
    rm -f "$HERE/$name.pid"
  done
  [[ $(readlink "$LINK") != "$CONF" ]] || rm "$LINK"
}

case ${1:-} in
  start) start ;;
  stop) stop ;;
  status) sinfo; squeue ;;
  *) fail "expected start, stop or status" ;;
esac
