//! Signatures as Standard Webhooks has them (<https://www.standardwebhooks.com>): HMAC-SHA256 of the message's id, the
//! time and the body.

use data_encoding::BASE64;
use ring::hmac;

/// What a secret begins with where it is shown.
const SECRET: &str = "whsec_";

/// A secret as receivers configure it.
pub(super) fn shown(secret: &[u8]) -> String {
    format!("{SECRET}{}", BASE64.encode(secret))
}

/// The header `webhook-signature` of a message.
pub(super) fn of(secret: &[u8], id: &str, seconds: u64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{id}.{seconds}.").as_bytes());
    context.update(body);
    format!("v1,{}", BASE64.encode(context.sign().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's libraries.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let bytes = BASE64.decode(secret.as_bytes()).unwrap();
        assert_eq!(shown(&bytes), format!("whsec_{secret}"));
        let signature = of(
            &bytes,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
