/*
 * ed25519 - RFC 8032, section 5.1, with a secret of any length.
 *
 * Points are in extended homogeneous coordinates (section 5.1.4): x = X/Z, y = Y/Z, x*y = T/Z.
 */
#include "client/ed25519.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { HASH = 64 }; /* bytes of a SHA-512 */

/* The field's prime, the group's order, twice the curve's constant d, and the base point. */
static const char prime_hex[] = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
static const char order_hex[] = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";
static const char twice_d_hex[] =
	"2406d9dc56dffce7198e80f2eef3d13000e0149a8283b156ebd69b9426b2f159";
static const char base_x_hex[] = "216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a";
static const char base_y_hex[] = "6666666666666666666666666666666666666666666666666666666666666658";

struct point {
	BIGNUM *x, *y, *z, *t;
};

/* What a calculation needs; all numbers live as long as CONTEXT's frame. */
struct curve {
	BN_CTX *context;
	BIGNUM *prime, *order, *twice_d;
	BIGNUM *tmp[8]; /* of point_add() */
	struct point base;
	bool failed; /* sticky: asked once, at the end */
};

static BIGNUM *number(struct curve *c)
{
	BIGNUM *n = BN_CTX_get(c->context);

	if (!n)
		c->failed = true;
	return n;
}

static BIGNUM *number_hex(struct curve *c, const char *hex)
{
	BIGNUM *n = number(c);

	if (n && !BN_hex2bn(&n, hex))
		c->failed = true;
	return n;
}

static struct point point_new(struct curve *c)
{
	return (struct point){.x = number(c), .y = number(c), .z = number(c), .t = number(c)};
}

static void mul(struct curve *c, BIGNUM *to, const BIGNUM *a, const BIGNUM *b)
{
	if (!c->failed && !BN_mod_mul(to, a, b, c->prime, c->context))
		c->failed = true;
}

static void add(struct curve *c, BIGNUM *to, const BIGNUM *a, const BIGNUM *b)
{
	if (!c->failed && !BN_mod_add_quick(to, a, b, c->prime))
		c->failed = true;
}

static void sub(struct curve *c, BIGNUM *to, const BIGNUM *a, const BIGNUM *b)
{
	if (!c->failed && !BN_mod_sub_quick(to, a, b, c->prime))
		c->failed = true;
}

/* TO += P. The formula holds for doubling, too: TO and P may be the same. */
static void point_add(struct curve *curve, struct point *to, const struct point *p)
{
	BIGNUM *a = curve->tmp[0], *b = curve->tmp[1], *c = curve->tmp[2], *d = curve->tmp[3];
	BIGNUM *e = curve->tmp[4], *f = curve->tmp[5], *g = curve->tmp[6], *h = curve->tmp[7];

	sub(curve, e, to->y, to->x);
	sub(curve, f, p->y, p->x);
	mul(curve, a, e, f);
	add(curve, e, to->y, to->x);
	add(curve, f, p->y, p->x);
	mul(curve, b, e, f);
	mul(curve, c, to->t, p->t);
	mul(curve, c, c, curve->twice_d);
	mul(curve, d, to->z, p->z);
	add(curve, d, d, d);
	sub(curve, e, b, a);
	sub(curve, f, d, c);
	add(curve, g, d, c);
	add(curve, h, b, a);
	mul(curve, to->x, e, f);
	mul(curve, to->y, g, h);
	mul(curve, to->t, e, h);
	mul(curve, to->z, f, g);
}

/* SCALAR times the base point, encoded: y, with the lowest bit of x on top. */
static void base_times(struct curve *c, const BIGNUM *scalar, uint8_t encoded[ED25519_KEY])
{
	struct point sum = point_new(c);
	BIGNUM *inverse = number(c);

	if (c->failed || !BN_one(sum.y) || !BN_one(sum.z)) {
		c->failed = true;
		return;
	}
	for (int bit = BN_num_bits(scalar) - 1; bit >= 0; bit--) {
		point_add(c, &sum, &sum);
		if (BN_is_bit_set(scalar, bit))
			point_add(c, &sum, &c->base);
	}
	if (c->failed || !BN_mod_inverse(inverse, sum.z, c->prime, c->context)) {
		c->failed = true;
		return;
	}
	mul(c, sum.x, sum.x, inverse);
	mul(c, sum.y, sum.y, inverse);
	if (BN_bn2lebinpad(sum.y, encoded, ED25519_KEY) < 0)
		c->failed = true;
	encoded[ED25519_KEY - 1] |= (uint8_t)(BN_is_odd(sum.x) << 7);
}

static bool curve_init(struct curve *c)
{
	*c = (struct curve){.context = BN_CTX_secure_new()};
	if (!c->context)
		return false;
	BN_CTX_start(c->context);
	c->prime = number_hex(c, prime_hex);
	c->order = number_hex(c, order_hex);
	c->twice_d = number_hex(c, twice_d_hex);
	for (size_t i = 0; i < sizeof(c->tmp) / sizeof(c->tmp[0]); i++)
		c->tmp[i] = number(c);
	c->base = (struct point){
		.x = number_hex(c, base_x_hex),
		.y = number_hex(c, base_y_hex),
		.z = number(c),
		.t = number(c),
	};
	if (c->failed || !BN_one(c->base.z))
		return false;
	mul(c, c->base.t, c->base.x, c->base.y);
	return !c->failed;
}

static void curve_release(struct curve *c)
{
	if (!c->context)
		return;
	BN_CTX_end(c->context);
	BN_CTX_free(c->context);
}

/* SHA-512 over up to three parts. */
static bool hash(struct slice a, struct slice b, struct slice c, uint8_t out[HASH])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha512(), NULL) &&
		  EVP_DigestUpdate(md, a.ptr, a.len) && EVP_DigestUpdate(md, b.ptr, b.len) &&
		  EVP_DigestUpdate(md, c.ptr, c.len) && EVP_DigestFinal_ex(md, out, NULL);

	EVP_MD_CTX_free(md);
	return ok;
}

/* The hashed secret: its first half, with some bits fixed, is the scalar. */
static bool expand(struct slice secret, uint8_t expanded[HASH])
{
	const struct slice none = {0};

	if (!hash(secret, none, none, expanded))
		return false;
	expanded[0] &= 0xf8;
	expanded[ED25519_KEY - 1] &= 0x7f;
	expanded[ED25519_KEY - 1] |= 0x40;
	return true;
}

static BIGNUM *number_le(struct curve *c, const uint8_t *bytes, int len)
{
	BIGNUM *n = number(c);

	if (n && !BN_lebin2bn(bytes, len, n))
		c->failed = true;
	return n;
}

/* The hash of the parts, as a number below the group's order. */
static BIGNUM *hash_scalar(struct curve *c, struct slice p, struct slice q, struct slice r)
{
	uint8_t digest[HASH];
	BIGNUM *n;

	if (!hash(p, q, r, digest))
		c->failed = true;
	n = c->failed ? NULL : number_le(c, digest, HASH);
	if (n && !BN_nnmod(n, n, c->order, c->context))
		c->failed = true;
	OPENSSL_cleanse(digest, sizeof(digest));
	return n;
}

/* R, then S = r + hash(R, A, message) * a. */
static void sign(struct curve *c, const uint8_t expanded[HASH], struct slice message,
		 uint8_t signature[ED25519_SIGNATURE])
{
	struct slice prefix = slice_of(expanded + ED25519_KEY, HASH - ED25519_KEY);
	const struct slice none = {0};
	uint8_t public_key[ED25519_KEY];
	BIGNUM *a = number_le(c, expanded, ED25519_KEY);
	BIGNUM *r = hash_scalar(c, prefix, message, none);
	BIGNUM *k;

	if (c->failed)
		return;
	base_times(c, a, public_key);
	base_times(c, r, signature);
	if (c->failed)
		return;
	k = hash_scalar(c, slice_of(signature, ED25519_KEY), slice_of(public_key, ED25519_KEY),
			message);
	if (c->failed || !BN_mod_mul(k, k, a, c->order, c->context) ||
	    !BN_mod_add(k, k, r, c->order, c->context) ||
	    BN_bn2lebinpad(k, signature + ED25519_KEY, ED25519_KEY) < 0)
		c->failed = true;
}

enum err ed25519_sign(struct slice secret, struct slice message,
		      uint8_t signature[ED25519_SIGNATURE])
{
	uint8_t expanded[HASH];
	struct curve c;
	bool ok = curve_init(&c) && expand(secret, expanded);

	if (ok)
		sign(&c, expanded, message, signature);
	ok = ok && !c.failed;
	OPENSSL_cleanse(expanded, sizeof(expanded));
	curve_release(&c);
	return ok ? ERR_OK : ERR_NOMEM;
}

enum err ed25519_public(struct slice secret, uint8_t public_key[ED25519_KEY])
{
	uint8_t expanded[HASH];
	struct curve c;
	bool ok = curve_init(&c) && expand(secret, expanded);
	BIGNUM *a = ok ? number_le(&c, expanded, ED25519_KEY) : NULL;

	if (a)
		base_times(&c, a, public_key);
	ok = a && !c.failed;
	OPENSSL_cleanse(expanded, sizeof(expanded));
	curve_release(&c);
	return ok ? ERR_OK : ERR_NOMEM;
}
