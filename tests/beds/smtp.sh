# aiosmtpd: a mail server that can be told how to answer, by STARTTLS and by TLS from the first byte.

smtp_pins=(aiosmtpd==1.4.6)

smtp_tells() { echo "mail through an SMTP server with TLS (aiosmtpd)"; }

smtp_packages() {
    python_packages
    have openssl || printf 'openssl '
}

smtp_install() { pip_into "$1" "${smtp_pins[@]}"; }

smtp_start() {
    local at
    certificate
    at=$(cached "${smtp_pins[0]/==/-}-$(python_version)" smtp_install) || exit 1
    serve "$at/bin/python" "$beds_folder/smtp.py" "$place"
}
