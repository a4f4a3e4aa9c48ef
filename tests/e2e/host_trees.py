"""A host in files: /proc, /sys and the root of a machine with two processors, sensors, a bond and memory errors."""
import os

PROC = {
    "stat": """cpu  301 2 3 404 5 6 7 8 9 10
cpu0 100 200 300 400 500 600 700 800 900 1000
cpu1 1 2 3 4 5 6 7 8 9 10
intr 8885917 17 0 0 1
ctxt 38014093
btime 1418183276
processes 26442
procs_running 2
procs_blocked 1
softirq 5057579 250191 1481983 1647 211099 186066 0 1783454 622196 12499 508444
""",
    "meminfo": "MemTotal:       3742148 kB\nMemFree:         225472 kB\nActive(anon):   2068484 kB\nHugePages_Total:       3\nHugepagesize:       2048 kB\n",
    "loadavg": "0.21 0.37 0.39 1/719 19737\n",
    "diskstats": """   8       0 sda 25354637 34367663 1003346126 18492372 28444756 11134226 505697032 63877960 4 9653880 82621804 11 12 13 14 15 16000
   8       1 sda1 250 0 2000 36 0 0 0 0 0 36 36 0 0 0 0 0 0
   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 259       0 nvme0n1 47114 4 4643973 21650 1078320 43950 39451633 1011053 0 222766 1032546 1 2 3 4 5 6
""",
    "vmstat": "nr_free_pages 977769\npgpgin 7344136\npgpgout 1\npswpin 1476\npswpout 35045\npgfault 2320168809\npgmajfault 507162\noom_kill 3\npgscan_kswapd 9\n",
    "schedstat": """version 15
timestamp 15819019232
cpu0 498494191 0 3533438552 2553969831 3853684107 2465731542 2045936778163039 343796328169361 4767485306
domain0 00000000,00000003 212499247 210112015 1861015 1860405436 536440 369895 32599 210079416 25368550 24241256 384652
cpu1 518377256 0 4155211005 2778589869 10466382 2867629021 1904686152592476 364107263788241 5145567945
domain0 00000000,00000003 217653037 215526982 1577949 1580427380 557469 393576 28538 215498444 28721913 27662819 371153
""",
    "pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=14036781\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
    "pressure/io": "some avg10=0.10 avg60=2.00 avg300=3.85 total=159886802\nfull avg10=0.10 avg60=2.00 avg300=3.85 total=159229614\n",
    "pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n",
    "sys/fs/file-nr": "1024\t0\t1631329\n",
    "sys/kernel/hostname": "saved\n",
    "sys/kernel/random/entropy_avail": "1337\n",
    "sys/kernel/random/poolsize": "4096\n",
    "sys/kernel/threads-max": "7801\n",
    "sys/kernel/pid_max": "32768\n",
    "sys/net/netfilter/nf_conntrack_count": "123\n",
    "sys/net/netfilter/nf_conntrack_max": "65536\n",
    "net/stat/nf_conntrack": """entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
00000021  00000000 0000000a 00000000 00000003 0000588a 00000000 00000000 00000001 00000002 00000000 00000004 00000000  00000000 00000000 00000000 00000002
00000021  00000000 00000000 00000000 00000002 000056a4 00000000 00000000 00000000 00000000 0000001f 00000000 00000000  00000000 00000000 00000000 00000001
""",
    "net/dev": """Inter-|   Receive                            |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo: 435303245 1832522 0 0 0 0 0 0 435303245 1832522 0 0 0 0 0 0
  eth0:68210035552 520993275 1 2 3 4 5 6 9315587528 43451486 7 8 9 10 11 12
""",
    "net/netstat": """TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts ListenOverflows ListenDrops TCPTimeouts TCPSynRetrans
TcpExt: 0 1 2 4 5 6 115 7
IpExt: InNoRoutes InTruncatedPkts InOctets OutOctets
IpExt: 0 0 6286396970 2786264347
""",
    "net/snmp": """Ip: Forwarding DefaultTTL InReceives InHdrErrors
Ip: 1 64 57740232 25
Icmp: InMsgs InErrors InCsumErrors OutMsgs OutErrors
Icmp: 104 5 0 120 0
IcmpMsg: InType3 OutType3
IcmpMsg: 104 120
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts
Tcp: 1 200 120000 -1 3556 230 341 161 3 57252008 54915039 227 5 1003
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors
Udp: 88542 120 0 53028 9 8
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors
UdpLite: 0 0 0 0 0 0
""",
    "net/snmp6": "Ip6InReceives                   \t7\nIp6InOctets                     \t460\nIp6OutOctets                    \t536\nIcmp6InMsgs  \t0\nIcmp6OutMsgs \t8\nIcmp6InErrors\t1\nUdp6InDatagrams\t4\nUdp6SndbufErrors\t9\nUdpLite6InErrors\t3\n",
    "net/sockstat": "sockets: used 229\nTCP: inuse 4 orphan 0 tw 4 alloc 17 mem 1\nUDP: inuse 0 mem 3\nUDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n",
    "net/sockstat6": "TCP6: inuse 17\nUDP6: inuse 9\nUDPLITE6: inuse 0\nRAW6: inuse 1\nFRAG6: inuse 0 memory 0\n",
    "net/softnet_stat": "00015c73 00020e76 f0000769 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n01663fb2 00000000 0000010a 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n",
    "net/arp": "IP address       HW type     Flags       HW address            Mask     Device\n192.168.1.1      0x1         0x2         cc:aa:dd:ee:aa:bb     *        eth0\n192.168.1.2      0x1         0x2         bb:cc:dd:ee:ff:aa     *        eth0\n10.0.0.1         0x1         0x2         bb:cc:dd:ee:ff:ab     *        eth1\n",
    "1/mounts": "/dev/sda1 / ext4 rw,relatime 0 0\n/dev/sdb1 /mnt/with\\040blank xfs ro,noatime 0 0\nproc /proc proc rw 0 0\noverlay /merged overlay rw 0 0\n/dev/sdc1 /nowhere ext4 rw 0 0\n",
}
STAT = "{pid} ({name}) {state} 1 1 1 0 -1 4194560 61064 1 2 3 4 5 6 7 20 0 {threads} 0 8 16384000 1600 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
TASKS = {  # process: name, its state, its threads
    "1": ("init", "S", {"1": "S"}),
    "10": ("a) b (c", "I", {"10": "I"}),
    "700": ("server", "R", {"700": "R", "701": "S", "702": "D"}),
}
SYS = {
    "class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "class/thermal/thermal_zone0/temp": "49925\n",
    "class/thermal/thermal_zone0/policy": "step_wise\n",
    "class/thermal/thermal_zone0/mode": "enabled\n",
    "class/thermal/cooling_device0/type": "Processor\n",
    "class/thermal/cooling_device0/max_state": "50\n",
    "class/thermal/cooling_device0/cur_state": "3\n",
    "devices/system/edac/mc/mc0/ce_count": "1\n",
    "devices/system/edac/mc/mc0/ce_noinfo_count": "2\n",
    "devices/system/edac/mc/mc0/ue_count": "5\n",
    "devices/system/edac/mc/mc0/ue_noinfo_count": "6\n",
    "devices/system/edac/mc/mc0/csrow0/ce_count": "3\n",
    "devices/system/edac/mc/mc0/csrow0/ue_count": "4\n",
    "class/net/bonding_masters": "bond0 dmz\n",
    "class/net/bond0/bonding/slaves": "\n",
    "class/net/dmz/bonding/slaves": "eth0 eth4\n",
    "class/net/dmz/lower_eth0/bonding_slave/mii_status": "up\n",
    "class/net/dmz/lower_eth4/bonding_slave/mii_status": "down\n",
    "devices/platform/coretemp.0/hwmon/hwmon0/name": "coretemp\n",
    "devices/platform/coretemp.0/hwmon/hwmon0/temp1_input": "55000\n",
    "devices/platform/coretemp.0/hwmon/hwmon0/temp1_max": "84000\n",
    "devices/platform/coretemp.0/hwmon/hwmon0/temp1_crit": "100000\n",
    "devices/platform/coretemp.0/hwmon/hwmon0/temp1_crit_alarm": "0\n",
    "devices/platform/coretemp.0/hwmon/hwmon0/temp1_label": "Core 0\n",
    "devices/platform/coretemp.0/hwmon/hwmon0/temp2_input": "garbage\n",
    "devices/platform/board.7/hwmon/hwmon1/name": "nct6779\n",
    "devices/platform/board.7/hwmon/hwmon1/fan1_input": "1098\n",
    "devices/platform/board.7/hwmon/hwmon1/fan1_min": "0\n",
    "devices/platform/board.7/hwmon/hwmon1/fan1_alarm": "1\n",
    "devices/platform/board.7/hwmon/hwmon1/fan1_beep": "1\n",
    "devices/platform/board.7/hwmon/hwmon1/fan1_pulses": "2\n",
    "devices/platform/board.7/hwmon/hwmon1/pwm1": "153\n",
    "devices/platform/board.7/hwmon/hwmon1/pwm1_mode": "1\n",
    "devices/platform/board.7/hwmon/hwmon1/in0_input": "792\n",
    "devices/platform/board.7/hwmon/hwmon1/in0_max": "1744\n",
    "devices/platform/board.7/hwmon/hwmon1/curr1_input": "1500\n",
    "devices/platform/board.7/hwmon/hwmon1/power1_average": "8500000\n",
    "devices/platform/board.7/hwmon/hwmon1/power1_accuracy": "50000\n",
    "devices/platform/board.7/hwmon/hwmon1/power1_average_interval": "1000\n",
    "devices/platform/board.7/hwmon/hwmon1/energy1_input": "12345678\n",
    "devices/platform/board.7/hwmon/hwmon1/humidity1_input": "45500\n",
    "devices/platform/board.7/hwmon/hwmon1/intrusion0_alarm": "0\n",
    "devices/platform/board.7/hwmon/hwmon1/beep_enable": "1\n",
    "devices/platform/board.7/hwmon/hwmon1/vrm": "13\n",
    "devices/platform/board.7/hwmon/hwmon1/update_interval": "2000\n",
    "devices/virtual/hwmon/hwmon2/name": "soc dts1\n",
    "devices/virtual/hwmon/hwmon2/temp1_input": "44000\n",
    "class/net/eth0/statistics/rx_nohandler": "17\n",
    "class/net/eth0/operstate": "up\n",
    "class/net/eth0/address": "01:01:01:01:01:01\n",
    "class/net/eth0/flags": "0x1303\n",
    "class/net/eth0/dev_id": "0x20\n",
    "class/net/eth0/carrier_changes": "2\n",
    "class/net/eth0/mtu": "1500\n",
    "class/net/eth0/speed": "1000\n",
    "class/net/eth0/tx_queue_len": "1000\n",
    "class/net/eth0/type": "1\n",
}
LINKS = {
    "class/hwmon/hwmon0": "../../devices/platform/coretemp.0/hwmon/hwmon0",
    "class/hwmon/hwmon1": "../../devices/platform/board.7/hwmon/hwmon1",
    "class/hwmon/hwmon2": "../../devices/virtual/hwmon/hwmon2",
    "devices/platform/coretemp.0/hwmon/hwmon0/device": "../../../coretemp.0",
    "devices/platform/board.7/hwmon/hwmon1/device": "../../../board.7",
}
ROOT = {
    "etc/os-release": 'NAME="Ubuntu"\nVERSION="20.04.2 LTS (Focal Fossa)"\nID=ubuntu\nID_LIKE=debian\nPRETTY_NAME=\'Ubuntu 20.04.2 LTS\'\n# a comment\n\nVERSION_ID="20.04"\nVERSION_CODENAME=focal\n',
    "run/udev/data/b8:0": "S:disk/by-id/x\nE:ID_PATH=pci-0000:00:1f.2-ata-1\nE:ID_WWN=0x7c92\nE:ID_MODEL=TOSHIBA_KSDB4U86\nE:ID_REVISION=0102\nE:ID_SERIAL_SHORT=2160A0D5FVGG\n",
    "mnt/with blank/file": "",
}
NOT_FROM_FILES = ("systemd", "uname")  # collectors of node_exporter that ask the live host
MUST_HAVE = (
    "node_netstat_Tcp_CurrEstab", "node_netstat_UdpLite6_InErrors", "node_sockstat_TCP_mem_bytes", "node_nf_conntrack_stat_drop",
    "node_os_version", "node_thermal_zone_temp", "node_cooling_device_max_state", "node_hwmon_temp_celsius", "node_hwmon_fan_rpm",
    "node_processes_threads_state", "node_entropy_pool_size_bits", "node_schedstat_timeslices_total", "node_softnet_dropped_total",
    "node_edac_csrow_correctable_errors_total", "node_bonding_active", "node_arp_entries", "node_disk_info", "node_network_speed_bytes",
)


def write(folder):
    """The folders of /proc, /sys and the root, with every file above."""
    trees = [os.path.join(folder, name) for name in ("proc", "sys", "root")]
    for tree, files in zip(trees, (PROC, SYS, ROOT)):
        for name, text in files.items():
            put(os.path.join(tree, name), text)
    for pid, (name, state, threads) in TASKS.items():
        put(os.path.join(trees[0], pid, "stat"), STAT.format(pid=pid, name=name, state=state, threads=len(threads)))
        for thread, its in threads.items():
            put(os.path.join(trees[0], pid, "task", thread, "stat"), STAT.format(pid=thread, name=name, state=its, threads=len(threads)))
    for name, target in LINKS.items():
        os.makedirs(os.path.dirname(os.path.join(trees[1], name)), exist_ok=True)
        os.symlink(target, os.path.join(trees[1], name))
    return trees


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
