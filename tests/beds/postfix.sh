# Postfix: a real mail server. It asks for STARTTLS and AUTH, and delivers everything into one maildir.

postfix_tells() { echo "mail through Postfix"; }

postfix_packages() {
    have postfix || printf 'postfix '
    have saslpasswd2 || printf 'sasl2-bin '
    [ -n "$(find /usr/lib* -path '*/sasl2/libplain.so*' 2>/dev/null)" ] || printf 'libsasl2-modules '
    [ -n "$(find /usr/lib* -path '*/sasl2/libsasldb.so*' 2>/dev/null)" ] || printf 'libsasl2-modules-db '
    have openssl || printf 'openssl '
}

postfix_start() {
    local port
    [ "$(id -u)" = 0 ] || because "Postfix starts for root alone"
    certificate
    mkdir -p "$place"/{conf/sasl,queue,data,mail}
    chmod 755 "$folder/beds" "$place"
    postfix_users
    postfix_main >"$place/conf/main.cf"
    for _ in 1 2 3; do
        port=$(free_port)
        postfix_services "$port" >"$place/conf/master.cf"
        # It leaves this process group: `stop_beds` ends it by its pid.
        postfix -c "$place/conf" start 5>&- || continue
        for _ in $(seq 50); do
            if [ -s "$place/queue/pid/master.pid" ] && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
                tr -d ' ' <"$place/queue/pid/master.pid" >"$place.master"
                offer "MULTAUTH_TEST_POSTFIX=127.0.0.1:$port" "MULTAUTH_TEST_POSTFIX_MAILDIR=$place/mail/inbox" \
                    "MULTAUTH_TEST_POSTFIX_CA=$place/ca.pem"
                return
            fi
            sleep 0.1
        done
        postfix -c "$place/conf" stop || true
    done
    return 1
}

# One user, mailer, with the password s3cret.
postfix_users() {
    printf '%s\n' 'pwcheck_method: auxprop' 'auxprop_plugin: sasldb' 'mech_list: PLAIN LOGIN' \
        "sasldb_path: $place/conf/sasldb2" >"$place/conf/sasl/smtpd.conf"
    printf 's3cret' | saslpasswd2 -p -c -f "$place/conf/sasldb2" -u localhost mailer
    chown postfix "$place/conf/sasldb2" "$place/data"
    chown 65534:65534 "$place/mail"
}

postfix_main() {
    cat <<TEXT
compatibility_level = 3.6
queue_directory = $place/queue
data_directory = $place/data
mail_owner = postfix
myhostname = localhost
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = error:nothing leaves this machine
virtual_mailbox_domains = static:all
virtual_mailbox_base = $place/mail
virtual_mailbox_maps = static:inbox/
virtual_minimum_uid = 1
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = $place/cert.pem
smtpd_tls_key_file = $place/key.pem
smtpd_sasl_auth_enable = yes
cyrus_sasl_config_path = $place/conf/sasl
smtpd_sasl_local_domain = localhost
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
maillog_file = $place/maillog
maillog_file_prefixes = $place
TEXT
}

# Without proxymap smtpd takes a connection and says nothing.
postfix_services() {
    cat <<TEXT
127.0.0.1:$1 inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
TEXT
}
